"""Networks that rebuild a given photo, and the adversarial training they share."""
