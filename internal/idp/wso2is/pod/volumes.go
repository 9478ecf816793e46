package pod

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/holdfast-iam/holdfast/internal/idp/pods"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/layout"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Names of the volumes.
const (
	volumeBackup      = "backup"
	volumeConf        = "conf"
	volumeConfig      = "configuration"
	volumeHome        = "home"
	volumeLogs        = "logs"
	volumeMetadata    = "metadata"
	volumePreferences = "preferences"
	volumeStores      = "stores"
	volumeTmp         = "tmp"
	volumeTrust       = "trust"
	volumeUserStores  = "user-stores"
)

const (
	gibibyte = 1 << 30
	homeSize = 3 * gibibyte
	tmpSize  = gibibyte
	// loneFiles are what the server writes into its log folder whatever it is told.
	loneFiles = 64 * mebibyte
	smallSize = 16 * mebibyte
	// containerLogs are the node's copy of standard output.
	containerLogs = 256 * mebibyte
)

// volumes of a pod. What the server renders from the variables has every secret in
// clear: its configuration, what it remembers of the variables, and the copy that it
// sets aside are in memory and never on a disk. The H2 file of the local registry is
// part of the home: a volume of its own would hide the tables that come with it.
func volumes(want tenant.Spec, seen tenant.Facts, config string) []corev1.Volume {
	all := []corev1.Volume{
		pods.InMemory(volumeBackup, 64*mebibyte),
		pods.InMemory(volumeConf, 64*mebibyte),
		{Name: volumeConfig, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: config, DefaultMode: new(pods.Readable)}}},
		pods.Scratch(volumeHome, homeSize),
		pods.Scratch(volumeLogs, logSize(want.Logs)),
		pods.InMemory(volumeMetadata, smallSize),
		pods.Scratch(volumePreferences, smallSize),
		stores(want.Version, seen),
		pods.Scratch(volumeTmp, tmpSize),
		pods.InMemory(volumeTrust, smallSize),
	}
	if len(want.UserStores) > 0 {
		all = append(all, pods.InMemory(volumeUserStores, smallSize))
	}
	return all
}

// stores replaces the vendor's folder, stores and all, by ours.
func stores(version tenant.Version, seen tenant.Facts) corev1.Volume {
	projected := &corev1.ProjectedVolumeSource{DefaultMode: new(pods.Readable)}
	for _, role := range layout.Roles(version) {
		projected.Sources = append(projected.Sources, corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: seen.Keystores[role].SecretName},
			Items:                []corev1.KeyToPath{{Key: layout.StoreKey, Path: layout.StoreFile(role)}},
		}})
	}
	return corev1.Volume{Name: volumeStores, VolumeSource: corev1.VolumeSource{Projected: projected}}
}

// serverMounts are the same for the server and for what runs before it.
func serverMounts(want tenant.Spec) []corev1.VolumeMount {
	product := layout.Home(want.Version)
	mounts := []corev1.VolumeMount{
		{Name: volumeBackup, MountPath: layout.BackupDir},
		{Name: volumeConf, MountPath: product + "/repository/conf"},
		{Name: volumeConfig, MountPath: layout.ConfigurationDir, ReadOnly: true},
		{Name: volumeHome, MountPath: product},
		{Name: volumeLogs, MountPath: product + "/repository/logs"},
		{Name: volumeMetadata, MountPath: product + "/repository/resources/conf/.metadata"},
		{Name: volumePreferences, MountPath: layout.PreferencesDir},
		{Name: volumeStores, MountPath: layout.SecurityDir(want.Version), ReadOnly: true},
		{Name: volumeTmp, MountPath: "/tmp"},
		{Name: volumeTmp, MountPath: product + "/tmp"},
		{Name: volumeTrust, MountPath: layout.TrustDir, ReadOnly: true},
	}
	if len(want.UserStores) > 0 {
		// Read-only, so that a store that somebody adds by an API is refused: it would be in one
		// pod, until that pod ends.
		mounts = append(mounts, corev1.VolumeMount{Name: volumeUserStores, MountPath: layout.UserStoresDir(want.Version), ReadOnly: true})
	}
	return mounts
}

// logSize is room for each stream's files and the one that is being written.
func logSize(logs tenant.Logs) int64 {
	size := int64(loneFiles)
	for _, stream := range []tenant.LogStream{logs.Server, logs.Audit} {
		if stream.File != nil {
			size += stream.File.MaxSizeBytes * int64(stream.File.Keep+1)
		}
	}
	return size
}

func scratchLimit(want tenant.Spec) resource.Quantity {
	return *pods.Bytes(homeSize + tmpSize + smallSize + logSize(want.Logs) + containerLogs)
}
