"""Results of semantic queries in words, with tables and charts; also of questions that several queries answer."""
