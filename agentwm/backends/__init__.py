"""Language models behind one protocol: requests in, answers out, in order; all that goes wrong is a typed error."""
