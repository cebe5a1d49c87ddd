"""What the org says about itself: versions, resources, limits, objects and fields.

Shapes: REST API Developer Guide v60.0, "Versions", "Resources by Version", "Limits", "Describe
Global" and "sObject Describe"; SOAP API Developer Guide, `DescribeSObjectResult`.
"""

from typing import Any

from sandbox.salesforce.schema import Field, ObjectType, Schema

VERSIONS = {"58.0": "Summer '23", "59.0": "Winter '24", "60.0": "Spring '24"}
DAILY_API_REQUESTS = 1_000_000
MAX_BATCH_SIZE = 200

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}


def versions() -> list[dict[str, str]]:
    """Return the API versions the org speaks."""
    return [
        {"label": label, "url": f"/services/data/v{version}", "version": version} for version, label in VERSIONS.items()
    ]


def resources(base_path: str) -> dict[str, str]:
    """Return the resources below one version's path."""
    names = ("sobjects", "query", "queryAll", "limits", "composite")
    return {name: f"{base_path}/{name}" for name in names}


def limits(calls: int) -> dict[str, Any]:
    """Return the org's limits after `calls` API requests today."""
    return {
        "DailyApiRequests": {"Max": DAILY_API_REQUESTS, "Remaining": DAILY_API_REQUESTS - calls},
        "DataStorageMB": {"Max": 1024, "Remaining": 1024},
    }


def all_objects(schema: Schema, base_path: str) -> dict[str, Any]:
    """Return the answer of "Describe Global"."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": MAX_BATCH_SIZE,
        "sobjects": [summary(found, base_path) for found in schema.objects.values()],
    }


def summary(target: ObjectType, base_path: str) -> dict[str, Any]:
    """Return what the list of objects says of one object."""
    root = f"{base_path}/sobjects/{target.api_name}"
    return {
        "name": target.api_name,
        "label": _label(target),
        "labelPlural": f"{_label(target)}s",
        "keyPrefix": target.prefix,
        "custom": target.api_name.endswith("__c"),
        "createable": True,
        "updateable": True,
        "deletable": True,
        "queryable": True,
        "retrieveable": True,
        "urls": {"sobject": root, "describe": f"{root}/describe", "rowTemplate": f"{root}/{{ID}}"},
    }


def describe(schema: Schema, target: ObjectType, base_path: str) -> dict[str, Any]:
    """Return the answer of "sObject Describe"."""
    return {
        **summary(target, base_path),
        "fields": [_field(target, spec) for spec in target.fields.values()],
        "childRelationships": [_child_relationship(child, spec) for child, spec in schema.children_of(target)],
    }


def _label(target: ObjectType) -> str:
    return target.api_name.removesuffix("__c").replace("_", " ")


def _field(target: ObjectType, spec: Field) -> dict[str, Any]:
    return {
        "name": spec.name,
        "label": spec.label,
        "type": spec.type,
        "soapType": _SOAP_TYPES.get(spec.type, "xsd:string"),
        "length": 18 if spec.type in ("id", "reference") else spec.length,
        "byteLength": 18 if spec.type in ("id", "reference") else spec.length * 3,
        "precision": spec.precision,
        "scale": spec.scale,
        "digits": 9 if spec.type == "int" else 0,
        "nillable": not (spec.required or spec.read_only or spec.type == "boolean"),
        "custom": spec.custom,
        "externalId": spec.external_id,
        "unique": spec.external_id,
        "caseSensitive": False,
        "idLookup": spec.type == "id" or spec.external_id,
        "nameField": spec.name == target.name_field,
        "autoNumber": bool(spec.pattern),
        "createable": not spec.read_only,
        "updateable": not (spec.read_only or spec.master),
        "defaultedOnCreate": spec.default is not None or bool(spec.pattern),
        "defaultValue": spec.default,
        "restrictedPicklist": spec.type == "picklist" and not spec.open,
        "picklistValues": [_picklist_value(spec, value) for value in spec.values],
        "referenceTo": [spec.to] if spec.to else [],
        "relationshipName": spec.relationship or None,
        "relationshipOrder": 0 if spec.master else None,
        "filterable": spec.type != "textarea",
        "sortable": spec.type != "textarea",
    }


def _picklist_value(spec: Field, value: str) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": value == spec.default,
        "label": value,
        "validFor": None,
        "value": value,
    }


def _child_relationship(child: ObjectType, spec: Field) -> dict[str, Any]:
    return {
        "childSObject": child.api_name,
        "field": spec.name,
        "relationshipName": spec.children or None,
        "cascadeDelete": spec.master,
        "deprecatedAndHidden": False,
        "restrictedDelete": False,
    }
