"""A whole federation in one process: its roles, its rounds, its faults and its folder."""
