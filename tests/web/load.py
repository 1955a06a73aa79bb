"""An ESP under load: batches at a steady rate, whatever the answers take, from a process of its own.

    python -m tests.web.load URL RATE SECONDS EVENTS

One event of ten is a bounce. It prints JSON: what was answered, in which times, and the numbers of the batches that were answered 200. Batch N has the events N * EVENTS on.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import httpx

from tests.web.posting import batch, signed

__all__ = ["main"]


async def main(url: str, rate: float, seconds: float, events: int) -> dict[str, object]:
    """Post, and tell."""
    taken: list[int] = []
    times: list[float] = []
    answers: dict[str, int] = {}
    bodies = [(number, batch(*range(number * events, (number + 1) * events), bounces=10)) for number in range(int(rate * seconds))]

    async def one(client: httpx.AsyncClient, number: int, body: bytes) -> None:
        began = time.perf_counter()
        try:
            answer = (await client.post(url, content=body, headers=signed(body))).status_code
        except httpx.HTTPError as error:
            answers[type(error).__name__] = answers.get(type(error).__name__, 0) + 1
            return
        times.append(time.perf_counter() - began)
        answers[str(answer)] = answers.get(str(answer), 0) + 1
        if answer == 200:
            taken.append(number)

    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=200)) as client:
        posts = []
        for number, body in bodies:
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            posts.append(asyncio.create_task(one(client, number, body)))
        await asyncio.gather(*posts)
    times.sort()
    ranks = {f"p{rank}": round(times[min(len(times) - 1, len(times) * rank // 100)] * 1000, 1) for rank in (50, 99)} if times else {}
    return {"answers": answers, "taken": sorted(taken), "seconds": round(time.perf_counter() - began, 1), "octets": len(bodies[0][1]), **ranks}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))))  # noqa: T201  it is its result
