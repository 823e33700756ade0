"""How good a trained generator is: what is measured, the verdict, the page. A library that reads no flag."""
