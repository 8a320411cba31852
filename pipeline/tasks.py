r"""The tasks for Luigi's own command line, see `running/luigi_tasks.py`.

::

    luigi --module pipeline.tasks RunDataset --config configs/demo.toml \
        --settings '["coarse_flow.method=zero"]'
"""

from pipeline.running.luigi_tasks import RunDataset as RunDataset
from pipeline.running.proxies import go_past_proxies

go_past_proxies()  # of Luigi's own command
