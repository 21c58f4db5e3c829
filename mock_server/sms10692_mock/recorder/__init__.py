"""The recorder: a proxy between a client and its vendor that stores masked exchanges."""
