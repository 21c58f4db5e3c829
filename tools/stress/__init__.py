"""A storm: everything that goes wrong between clients and an emulator at once, and the ledger afterwards.

`connections` speak HTTP over a socket and break it where asked; `witnesses` know what clients were told and judge
whether the emulator's books agree; `clients` are the well-behaved, the rude, the slow and the idle, and whoever turns
the weather; `quick` is the client beside, whose waits are measured; `storm` runs all of them against one `serve`.
"""
