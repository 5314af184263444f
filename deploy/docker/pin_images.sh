#!/bin/sh
# Pin images to the digests that their tags have now, so that a tag that is changed later changes nothing here.
#   pin_images.sh                        those in .env; then: docker compose up -d --build
#   pin_images.sh --kubernetes FOLDER    those of deploy/kustomization.yaml, in an overlay; then: kubectl apply -k FOLDER
# Run it again for updates.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

digest_of() {
    digest=$(docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}')
    case $digest in
    sha256:*) echo "$digest" ;;
    *) echo "no digest of $1: $digest" >&2; exit 1 ;;
    esac
}

if [ "${1:-}" = --kubernetes ]; then
    folder=${2:?a folder outside of deploy/}
    built=$(kustomize build "$here/..") # on a line of its own: in a pipe its failure would not end this
    images=$(printf '%s\n' "$built" | sed -n 's/^ *-* *image: *//p' | grep -v @ | sort -u)
    [ -n "$images" ] || { echo "kustomize build $here/.. has no image to pin" >&2; exit 1; }
    mkdir -p "$folder"
    new=$(mktemp "$folder/.kustomization.XXXXXX")
    trap 'rm -f "$new"' EXIT
    {
        echo "# Written by deploy/docker/pin_images.sh."
        echo "apiVersion: kustomize.config.k8s.io/v1beta1"
        echo "kind: Kustomization"
        echo "resources: [$(realpath --relative-to="$folder" "$here/..")]"
        echo "images:"
    } >"$new"
    for image in $images; do
        digest=$(digest_of "$image")
        echo "  - {name: \"${image%:*}\", digest: \"$digest\"}" >>"$new"
        echo "$image@$digest"
    done
    # runs and steps have the image of the code server
    sed -n '/^replacements:/,$p' "$here/../kustomization.yaml" >>"$new"
    chmod 644 "$new"
    mv "$new" "$folder/kustomization.yaml"
    exit
fi

env=${1:-$here/.env}
new=$(mktemp "$env.XXXXXX") # readable only by its owner, as .env holds secrets
trap 'rm -f "$new"' EXIT
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    BEHA2VEC_*_IMAGE=*)
        image=${line#*=}
        tag=${image%@*}
        line="${line%%=*}=$tag@$(digest_of "$tag")"
        echo "$line"
        ;;
    esac
    printf '%s\n' "$line" >>"$new"
done <"$env"
mv "$new" "$env"
