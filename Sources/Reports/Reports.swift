// The module Reports: see DESIGN in README.
