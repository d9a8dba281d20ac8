"""Adversarial networks: two nets that learn against each other, one training loop, and what watches over it."""
