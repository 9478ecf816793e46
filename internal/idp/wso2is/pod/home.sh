#!/bin/sh
# Copies the product from the image into the volumes that the server writes to, with
# our configuration in place of the vendor's. Arguments: the product in the image, the
# volumes for its home, for its configuration and for what the server remembers of it,
# and the folder of our files.
#
# The volumes are not mounted into one another here: the mount points would be made by
# root, and nothing could be copied beside them. Owners and times are not kept (cp -p):
# the volumes' own folders belong to root.
set -eu
umask 077
product=$1 home=$2 conf=$3 metadata=$4 ours=$5

# After its sandbox was lost, a pod comes here again with its volumes full.
for volume in "$home" "$conf" "$metadata"; do
	rm -rf "${volume:?}"/* "${volume:?}"/.[!.]*
done

cp -R "$product/." "$home/"
cp -R "$home/repository/conf/." "$conf/"
rm -rf "$home/repository/conf"

# What the vendor ships would let a server start on published passwords and keys.
rm -f "$home/repository/resources/security/"*.p12 "$home/repository/resources/security/"*.jks
cp "$ours/deployment.toml" "$ours/log4j2.properties" "$conf/"

# Mount points.
mkdir -p "$home/repository/conf" "$home/repository/logs" "$home/repository/resources/conf/.metadata" \
	"$home/repository/deployment/server/userstores" "$home/tmp"
echo "the product's home is in place"
