"""Benchmarks: how long the engines take, beside others; ``make bench`` runs them."""
