"""Random numbers by address: Philox, and the variates made from it."""
