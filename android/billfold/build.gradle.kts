// Makes the AAR. Not proven yet: no Android toolchain has run it. Before it, from the root of the repository:
//   cargo xtask bindings kotlin
//   cargo ndk -t arm64-v8a -t armeabi-v7a -t x86_64 -o android/billfold/src/android/jniLibs \
//       build --package billfold-ffi --profile mobile
plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.2.21"
}

android {
    namespace = "dev.billfold"
    compileSdk = 36

    defaultConfig {
        // StrongBox came with 28.
        minSdk = 28
        consumerProguardFiles("consumer-rules.pro")
    }
    sourceSets {
        getByName("main") {
            manifest.srcFile("src/android/AndroidManifest.xml")
            kotlin.setSrcDirs(
                listOf("src/main/kotlin", "src/android/kotlin", "target/generated-sources/uniffi"),
            )
            jniLibs.setSrcDirs(listOf("src/android/jniLibs"))
        }
        // The tests are Maven's.
        getByName("test") {
            kotlin.setSrcDirs(emptyList<String>())
        }
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.10.2")
    // As an archive, for Android's own native part of it.
    implementation("net.java.dev.jna:jna:5.18.1@aar")
}
