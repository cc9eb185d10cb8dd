"""What every page of the admin site needs and no app owns: the site, its forms, its model pages."""
