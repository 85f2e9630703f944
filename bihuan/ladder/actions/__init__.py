"""What changes a standing: one public function a deed, by phase of life."""
