"""The parts that the collector and the web workers share, apart from the store."""
