"""Networks bend the plane until a straight cut separates the points."""
