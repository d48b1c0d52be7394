"""The asynchronous client has every method of the client, to be awaited."""

import asyncio
import inspect
from pathlib import Path

import pytest

from service.container import Zoo
from tests.rest.served import a_model
from zooscope import AsyncZooClient, ZooClient, ZooClientError


def public_methods(resource: object) -> set[str]:
    methods = inspect.getmembers(type(resource), inspect.isfunction)
    return {name for name, _ in methods if not name.startswith("_")}


def test_it_has_every_resource_and_method_of_the_client():
    with ZooClient() as plain:
        twin = AsyncZooClient()
        resources = {name for name in vars(plain) if not name.startswith("_")}

        assert resources == {name for name in vars(twin) if not name.startswith("_")}
        for name in resources:
            assert public_methods(getattr(plain, name)) == public_methods(getattr(twin, name))
        assert public_methods(plain) == public_methods(twin)


def test_calls_return_results_and_lists_are_iterated(zoo: Zoo, url: str, key: str):
    with zoo.transaction() as session:
        ids = [a_model(session, name=f"hen {number}").id for number in range(5)]

    async def use() -> tuple[list[str], str]:
        async with AsyncZooClient(url, key=key) as client:
            listed = [model["id"] async for model in client.models.ls(sort="name")]
            shown = await client.models.show("hen 3")
            return listed, shown["id"]

    assert asyncio.run(use()) == (ids, ids[3])


def test_several_calls_run_at_once(zoo: Zoo, url: str, key: str):
    with zoo.transaction() as session:
        ids = [a_model(session).id for _ in range(8)]

    async def use() -> list[str]:
        async with AsyncZooClient(url, key=key) as client:
            models = await asyncio.gather(*(client.models.show(model_id) for model_id in ids))
            return [model["id"] for model in models]

    assert asyncio.run(use()) == ids


def test_a_refusal_is_raised_by_the_call(url: str, key: str, tmp_path: Path):
    async def use() -> None:
        async with AsyncZooClient(url, key=key) as client:
            await client.models.download("nobody", tmp_path / "file")

    with pytest.raises(ZooClientError) as caught:
        asyncio.run(use())

    assert caught.value.code == "model_not_found"


def test_a_list_that_is_left_early_is_closed(zoo: Zoo, url: str, key: str):
    with zoo.transaction() as session:
        a_model(session)
        a_model(session)

    async def use() -> str:
        async with AsyncZooClient(url, key=key) as client:
            models = client.models.ls()
            first = await anext(models)
            await models.aclose()  # type: ignore[attr-defined]
            return first["name"]

    assert asyncio.run(use()) == "hen"
