"""The desktop application: models without Qt, controllers without widgets, views.

Needs the extra ``gui``. Nothing else of the package imports it.
"""

from __future__ import annotations
