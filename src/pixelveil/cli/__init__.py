"""The command line: one module per command group, nothing but parsing, calling and printing."""
