"""Machine = reference: registers, edges, random tables and planted faults on which the two are compared."""
