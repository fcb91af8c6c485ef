"""What would sit in the car: the driver on ONNX Runtime, and the guardian that can veto it."""
