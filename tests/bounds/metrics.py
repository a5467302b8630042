"""What a running service says of itself at `/metrics`."""

import httpx
from chassis.service import Service
from prometheus_client.parser import text_string_to_metric_families

from chassis import tls


async def measured(service: Service, name: str, **labels: str) -> float:
    """The sum of a measure's samples that have these labels."""
    async with httpx.AsyncClient(verify=tls.trusted()) as http:
        text = (await http.get(f"http://127.0.0.1:{service.settings.http_port}/metrics")).text
    found = [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == name]
    return sum(one.value for one in found if labels.items() <= one.labels.items())
