// page.field(label, control): a control with its label, in one element.
let count = 0;
page.field = (label, control) => {
  count += 1;
  control.id = `field-${count}`;
  return page.element("span", { class: "field" },
    page.element("label", { for: control.id }, label), control);
};
