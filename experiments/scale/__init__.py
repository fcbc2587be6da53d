"""A model of the protocol, fed by constants that are measured here, for sizes that no machine here can hold."""
