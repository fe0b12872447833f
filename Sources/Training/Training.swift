// The module Training: see DESIGN in README.
