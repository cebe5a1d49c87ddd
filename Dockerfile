# One image for every part of the cluster; docker-compose.yaml says which command each part runs.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.bootstrap.lock requirements.lock ./
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.bootstrap.lock \
    && /opt/venv/bin/uv pip install --no-cache --python /opt/venv/bin/python --require-hashes --compile-bytecode -r requirements.lock
# The hub comes last: its changes do not build the layers above anew.
COPY pyproject.toml ./
COPY canonical_model canonical_model
COPY connectors connectors
COPY mappings mappings
COPY billhub billhub
COPY sandbox sandbox
RUN /opt/venv/bin/uv pip install --no-cache --python /opt/venv/bin/python --no-deps --no-build-isolation --compile-bytecode .

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --create-home billhub \
    && install --directory --owner billhub /var/lib/billing-hub /var/lib/billing-hub/logs /var/lib/billing-hub/users /var/lib/billing-hub/sandbox
COPY --from=build /opt/venv /opt/venv
COPY dags /opt/billing-hub/dags
COPY plugins /opt/billing-hub/plugins
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/var/lib/billing-hub \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/billing-hub/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/billing-hub/plugins \
    HUB_FLOWS_DIR=/opt/billing-hub/dags/flows
WORKDIR /var/lib/billing-hub
USER billhub
