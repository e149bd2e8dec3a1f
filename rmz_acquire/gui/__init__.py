"""The desktop application: models and controllers without Qt, and the views.

Needs the extra ``gui``. Nothing else of the package imports it.
"""

from __future__ import annotations
