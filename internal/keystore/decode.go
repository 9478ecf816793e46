package keystore

import "fmt"

// maxContents bounds the parts of a store. We write two, Java as many.
const maxContents = 8

// DecodePKCS12 reads what EncodePKCS12 and EncodePKCS12Legacy wrote, and what
// keytool does: with PBES2, and before 2021 (or with keystore.pkcs12.legacy) with
// SHA-1, 3DES and 40-bit RC2. It returns the entries sorted by alias with the
// chains that Java shows. ErrWrongPassword tells a wrong password or changed bytes; every other
// error means that the bytes are no store that we read. It checks that each key
// fits its certificate, but not what EncodePKCS12 refuses by policy: an older
// store stays readable.
func DecodePKCS12(data []byte, password string) ([]Entry, error) {
	if len(data) > MaxStoreBytes {
		return nil, fmt.Errorf("keystore: %d bytes are more than the %d of a Secret", len(data), MaxStoreBytes)
	}
	if len(password) > maxPasswordLength {
		return nil, ErrPassword
	}
	o := &opener{password: password}
	safe, err := o.openStore(data)
	if err != nil {
		return nil, err
	}
	bags, err := o.openSafe(safe)
	if err != nil {
		return nil, err
	}
	return o.readBags(bags)
}

// openStore verifies the MAC and returns what it covers.
func (o *opener) openStore(data []byte) ([]byte, error) {
	var store pfx
	var safe []byte
	if err := parse("PKCS#12", data, &store); err != nil {
		return nil, err
	}
	if store.Version != 3 || !store.AuthSafe.Type.Equal(oidData) {
		return nil, fmt.Errorf("keystore: PKCS#12: want version 3 with a password MAC")
	}
	if err := unwrap("authenticated safe", store.AuthSafe.Content, &safe); err != nil {
		return nil, err
	}
	return safe, o.checkMAC(safe, store.MAC)
}

// openSafe decrypts the parts of the store and returns their bags in order.
func (o *opener) openSafe(safe []byte) ([]safeBag, error) {
	var contents []contentInfo
	if err := parse("authenticated safe", safe, &contents); err != nil {
		return nil, err
	}
	if len(contents) > maxContents {
		return nil, fmt.Errorf("keystore: %d parts are more than %d", len(contents), maxContents)
	}
	var bags []safeBag
	for _, content := range contents {
		plain, err := o.openContent(content)
		if err != nil {
			return nil, err
		}
		var found []safeBag
		if err := parse("bags", plain, &found); err != nil {
			return nil, err
		}
		bags = append(bags, found...)
	}
	return bags, nil
}

func (o *opener) openContent(content contentInfo) ([]byte, error) {
	switch {
	case content.Type.Equal(oidData):
		var plain []byte
		err := unwrap("data", content.Content, &plain)
		return plain, err
	case content.Type.Equal(oidEncryptedData):
		var sealed encryptedData
		if err := unwrap("encrypted data", content.Content, &sealed); err != nil {
			return nil, err
		}
		return o.decrypt("encrypted data", sealed.Content.Algorithm, sealed.Content.Data)
	default:
		return nil, fmt.Errorf("keystore: a part of unknown type %s", content.Type)
	}
}
