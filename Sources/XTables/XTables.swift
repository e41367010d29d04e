// XTables
