// The module Storage: see DESIGN in README.
