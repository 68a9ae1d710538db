"""Reports on paper: PDF, and charts as SVG and PNG that stand alone."""
