-- Room on each page, so that a document's next version finds its place beside the last one, and no index has to know.
ALTER TABLE documents SET (fillfactor = 85);
