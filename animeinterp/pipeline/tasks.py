r"""The tasks for Luigi's own command line, see `running/luigi_tasks.py`.

::

    luigi --module animeinterp.pipeline.tasks RunDataset --config demo \
        --settings '["coarse_flow.method=zero"]'
"""

from animeinterp.pipeline.running.luigi_tasks import RunDataset as RunDataset
from animeinterp.pipeline.running.proxies import go_past_proxies

go_past_proxies()  # of Luigi's own command
