"""Phase diagrams of the studies: where in the plane of two settings a phenomenon is seen."""
