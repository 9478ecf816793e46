package pod

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/conf"
	"github.com/holdfast-iam/holdfast/internal/idp/keycloak/layout"
	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Names of the volumes.
const (
	volumeBuilt         = "built"
	volumeConfiguration = "configuration"
	volumeData          = "data"
	volumeStores        = "stores"
	volumeTmp           = "tmp"
	volumeTrust         = "trust"
)

const (
	builtSize = 256 * mebibyte
	dataSize  = 256 * mebibyte
	tmpSize   = 512 * mebibyte
	// containerLogs are the node's copy of standard output.
	containerLogs = 256 * mebibyte
)

// serverVolumes of a pod. The server writes the trust store that it makes, and nothing secret,
// into its data folder.
func serverVolumes(want tenant.Spec, seen tenant.Facts, config string) []corev1.Volume {
	return []corev1.Volume{
		pods.Scratch(volumeBuilt, builtSize),
		{Name: volumeConfiguration, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: config, DefaultMode: new(pods.Readable)}}},
		pods.Scratch(volumeData, dataSize+logSize(want)),
		key(volumeStores, seen.Keystores[tenant.RoleTLS].SecretName, layout.StoreKey, "tls.p12"),
		pods.Scratch(volumeTmp, tmpSize),
		trust(seen),
	}
}

// trust is what the trust store trusts, as PEM, which is all that the PostgreSQL driver reads.
func trust(seen tenant.Facts) corev1.Volume {
	return key(volumeTrust, seen.Keystores[tenant.RoleTrust].SecretName, layout.TrustedKey, layout.TrustedKey)
}

// key is a volume with one file from one key of a Secret.
func key(name, secret, key, file string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
		SecretName: secret, DefaultMode: new(pods.Readable), Items: []corev1.KeyToPath{{Key: key, Path: file}},
	}}}
}

// logSize is room for the files and the one that is being written.
func logSize(want tenant.Spec) int64 {
	file := conf.File(want.Logs)
	if file == nil {
		return 0
	}
	return file.MaxSizeBytes * int64(file.Keep+1)
}

func scratchLimit(want tenant.Spec) resource.Quantity {
	return *pods.Bytes(builtSize + dataSize + tmpSize + logSize(want) + containerLogs)
}
