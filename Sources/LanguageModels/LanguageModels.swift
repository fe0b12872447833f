// The module LanguageModels: see DESIGN in README.
