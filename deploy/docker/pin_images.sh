#!/bin/sh
# Pin the images in .env to the digests that their tags have now, so that a tag that is changed later changes nothing here.
# Run it again for updates, then: docker compose up -d --build
set -eu
env=${1:-$(dirname "$0")/.env}
new=$(mktemp "$env.XXXXXX") # readable only by its owner, as .env holds secrets
trap 'rm -f "$new"' EXIT
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    BEHA2VEC_*_IMAGE=*)
        image=${line#*=}
        tag=${image%@*}
        digest=$(docker buildx imagetools inspect "$tag" --format '{{.Manifest.Digest}}')
        case $digest in
        sha256:*) ;;
        *) echo "no digest of $tag: $digest" >&2; exit 1 ;;
        esac
        line="${line%%=*}=$tag@$digest"
        echo "$line"
        ;;
    esac
    printf '%s\n' "$line" >>"$new"
done <"$env"
mv "$new" "$env"
