"""The API, version 1: /api/v1/, described at /api/v1/docs and /api/v1/openapi.json."""

from ninja import NinjaAPI
from ninja.openapi.schema import get_schema

from bihuan.api import people, public, staff
from bihuan.api.errors import answer_errors
from bihuan.api.schemas import RequestIn

api = NinjaAPI(
    title="闭环 Bihuan",
    version="1",
    urls_namespace="api",
    docs_url=None,  # its page needs scripts from elsewhere; the description itself is served
    description="群众诉求的提交、查询，工单的受理、派单、办理、核查、回访，以及人才培养的名单、把关、需求和统计。"
    "时间一律为带时区的 ISO 8601。",
)
api.add_router("", public.router)
api.add_router("", staff.router)
api.add_router("", people.router)
answer_errors(api)


def openapi() -> dict:
    """The OpenAPI document; the hand-read body of filing is described with the rest."""
    schema = get_schema(api, path_prefix="/api/v1/")
    schema["components"]["schemas"] |= _definitions(RequestIn)
    return schema


def _definitions(model) -> dict:  # type: ignore[no-untyped-def,type-arg]
    described = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**described.pop("$defs", {}), model.__name__: described}
