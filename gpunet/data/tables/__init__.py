"""Tables: CSV, npz and npy files become inputs and targets.

Reading: `text` reads the text of a table, `dialect` finds how it is written,
`csv_file` and `arrays` read a file within bounds as a `table`; `reading` chooses.
Typing of columns: `columns`, and `mixed` for those of numbers and texts.
Preprocessing: `target` and `fit` learn from the training rows what `preprocessing`
applies and a model file stores; `cell_checks` refuses what cannot become an input.
Splitting: `splits`. Numbers are scaled, from disk if need be, by `data/rows.py`.
"""
