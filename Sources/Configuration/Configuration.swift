// The module Configuration: see DESIGN in README.
