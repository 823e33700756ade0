"""Where pictures come from: files, folders, zips, videos and addresses. A library that reads no flag."""
