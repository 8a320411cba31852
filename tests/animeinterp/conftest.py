from __future__ import annotations

from tests.pipeline.conftest import cartoons as cartoons
from tests.pipeline.conftest import command as command
from tests.pipeline.conftest import finished_cache as finished_cache
from tests.pipeline.conftest import open_session as open_session
from tests.pipeline.conftest import run as run
from tests.pipeline.conftest import settings as settings
from tests.pipeline.conftest import spoilt as spoilt
