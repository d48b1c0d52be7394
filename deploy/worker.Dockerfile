# A worker: everything of the API image, and torch. TORCH_INDEX chooses the build: CPU by default.
FROM python:3.13-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /opt/zooscope
COPY pyproject.toml constraints.txt README.md ./
RUN pip install --no-cache-dir -c constraints.txt --index-url "$TORCH_INDEX" \
      --extra-index-url https://pypi.org/simple torch torchvision
COPY zooscope zooscope
COPY service service
COPY workers workers
COPY migrations migrations
RUN pip install --no-cache-dir -c constraints.txt -e '.[api,worker,clips,telemetry]' \
 && useradd --create-home --home-dir /var/lib/zooscope zoo

USER zoo
ENV ZOO_HOME=/var/lib/zooscope PYTHONUNBUFFERED=1
CMD ["zooscope", "up", "--only", "worker"]
