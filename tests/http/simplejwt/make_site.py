"""Makes the site's database: its tables, and the users that the tests' Unix accounts are."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402, pylint: disable=wrong-import-position
from django.core.management import call_command  # noqa: E402, pylint: disable=wrong-import-position

call_command("migrate", verbosity=0)
users = get_user_model().objects
users.create_user("alice", password="correct horse battery staple")
users.create_user("carol", password="staple battery horse correct")
users.create_user("bob", password="bobpw", is_active=False)
