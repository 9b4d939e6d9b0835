"""What a person looks at: tables, a page with every token, an explanation in words."""
