# REST, gRPC and scheduler: no torch, about a tenth of a worker's size.
FROM python:3.13-slim

WORKDIR /opt/zooscope
COPY pyproject.toml constraints.txt README.md ./
COPY zooscope zooscope
COPY service service
COPY migrations migrations
RUN pip install --no-cache-dir -c constraints.txt -e '.[api,telemetry]' \
 && useradd --create-home --home-dir /var/lib/zooscope zoo

USER zoo
ENV ZOO_HOME=/var/lib/zooscope PYTHONUNBUFFERED=1
EXPOSE 8080 50051
CMD ["zooscope", "up", "--only", "api"]
