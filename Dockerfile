# One image for every process; compose.yaml says which runs where.
FROM node:22-slim AS front-end
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 DJANGO_SETTINGS_MODULE=config.settings.prod LOG_FORMAT=json
WORKDIR /app
COPY requirements/base.txt requirements/
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.txt
COPY . .
COPY --from=front-end /app/node_modules node_modules
# Collecting needs settings to exist, not their values.
RUN python scripts/prepare.py vendor && rm -rf node_modules \
    && SECRET_KEY=- CREDENTIALS_KEYS=- ALLOWED_HOSTS=- DATABASE_URL=postgres://-/- REDIS_URL=redis://- \
       python manage.py collectstatic --no-input -v 0 \
    && useradd --system --create-home --home-dir /data bellwether
USER bellwether
ENV VAR_DIR=/data
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--loop", "uvloop", "--ws", "websockets-sansio", "--lifespan", "off", "--no-access-log"]
