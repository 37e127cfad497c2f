"""The mind that a language model lends: its roles, what it is asked, and how its words came true."""
