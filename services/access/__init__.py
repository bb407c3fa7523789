"""Who may do what: keys with scopes, kept in a relational database and checked by web and preprocess alike."""
